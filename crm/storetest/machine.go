package storetest

var machineTests []test
