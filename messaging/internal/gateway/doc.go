// Package gateway is what the senders of one provider each have in common: one
// discipline of requests and answers, limits of rates, forms of numbers and the
// guard of unsigned pushes.
package gateway
