// Package linktest simulates who asks for tracked links: people with their
// browsers, in apps, in offices and behind carriers' shared addresses, and the
// previews, scanners and programs that do it without them. Who made each request
// is known, so that a host can measure what its verdicts are worth, alone or
// through its own handler:
//
//	t := linktest.New(1, linktest.Evening)
//	m, err := t.Judge(ctx, link.Window{})
//	fmt.Println(m)
//
// The same seed and Mix give the same traffic. It is made of what is published
// about scanners and of assumptions about people, each stated where it is made,
// not of anybody's log.
package linktest
