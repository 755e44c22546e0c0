// Package messagingtest is the contract of a messaging.Sender as a test. A
// provider that a host or a third party writes calls Run with a fresh sender
// per test:
//
//	func TestSender(t *testing.T) {
//		messagingtest.Run(t, func(t *testing.T) messagingtest.Fixture {
//			return messagingtest.Fixture{Sender: newSender(t)}
//		})
//	}
package messagingtest
