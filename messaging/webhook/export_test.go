package webhook

// Sign is sign for the tests.
var Sign = sign
