// Package idea counts what customers think of each other's ideas for products: one vote per
// person, ranked by what surely many want, with duplicates merged and no vote lost.
//
//	board := &idea.Board{}
//	err := board.Propose(idea.Idea{ID: "i1", Text: "A strap for small wrists", Products: []string{"1042"}, By: "c7", At: now})
//	err = board.Vote(idea.Vote{ID: "v1", Idea: "i1", Person: "c9", For: true, At: now})
//	ranking := board.Ranking(idea.Query{Product: "1042"})
//
// A Board is a fold over what people did: the same proposals, votes and merges in any order, and
// each however often, give the same ranking. It stores nothing; a host keeps what it gave the board
// as facts and folds them again.
package idea
