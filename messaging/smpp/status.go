package smpp

import "fmt"

// Status is a command_status: how a request went.
type Status uint32

// The statuses of SMPP 3.4 that have a meaning here. Providers have more, those of
// their own from 0x400 on.
const (
	OK                    Status = 0x00
	InvalidMessageLength  Status = 0x01 // ESME_RINVMSGLEN
	InvalidCommandLength  Status = 0x02 // ESME_RINVCMDLEN
	InvalidCommand        Status = 0x03 // ESME_RINVCMDID
	InvalidBindStatus     Status = 0x04 // ESME_RINVBNDSTS: not bound for that
	AlreadyBound          Status = 0x05 // ESME_RALYBND
	SystemError           Status = 0x08 // ESME_RSYSERR
	InvalidSource         Status = 0x0A // ESME_RINVSRCADR
	InvalidDestination    Status = 0x0B // ESME_RINVDSTADR
	InvalidMessageID      Status = 0x0C // ESME_RINVMSGID
	BindFailed            Status = 0x0D // ESME_RBINDFAIL
	InvalidPassword       Status = 0x0E // ESME_RINVPASWD
	InvalidSystemID       Status = 0x0F // ESME_RINVSYSID
	CancelFailed          Status = 0x11 // ESME_RCANCELFAIL
	QueueFull             Status = 0x14 // ESME_RMSGQFUL
	InvalidServiceType    Status = 0x15 // ESME_RINVSERTYP
	SubmitFailed          Status = 0x45 // ESME_RSUBMITFAIL
	InvalidSourceTON      Status = 0x48 // ESME_RINVSRCTON
	InvalidDestinationTON Status = 0x50 // ESME_RINVDSTTON
	Throttled             Status = 0x58 // ESME_RTHROTTLED
	InvalidSchedule       Status = 0x61 // ESME_RINVSCHED
	InvalidExpiry         Status = 0x62 // ESME_RINVEXPIRY
	TemporaryAppError     Status = 0x64 // ESME_RX_T_APPN
	PermanentAppError     Status = 0x65 // ESME_RX_P_APPN
	RejectedByApp         Status = 0x66 // ESME_RX_R_APPN
	QueryFailed           Status = 0x67 // ESME_RQUERYFAIL
	UnknownError          Status = 0xFF // ESME_RUNKNOWNERR
)

// Class says what the sender of a request that was refused can do.
type Class uint8

// The classes of statuses.
const (
	Success      Class = iota // nothing was refused
	Retry                     // nothing was taken; the same may come again later
	Permanent                 // it will never be taken as it is
	SessionFault              // nothing was taken; the session or the account is at fault, not the message
	Vendor                    // a code of the provider, 0x400 and above, or reserved: ask its manual
)

// String names the class.
func (c Class) String() string {
	switch c {
	case Success:
		return "success"
	case Retry:
		return "retry"
	case Permanent:
		return "permanent"
	case SessionFault:
		return "session"
	}
	return "vendor"
}

// Class sorts the status. SystemError counts as Retry, as SMSCs send it for a store
// that is down, and UnknownError as Vendor.
func (s Status) Class() Class {
	switch {
	case s == OK:
		return Success
	case s == QueueFull, s == Throttled, s == TemporaryAppError, s == SystemError:
		return Retry
	case s == InvalidBindStatus, s == AlreadyBound, s == BindFailed, s == InvalidPassword, s == InvalidSystemID:
		return SessionFault
	case s >= UnknownError, s > 0x67 && s < 0xC0, s == 0x09, s == 0x10, s == 0x12:
		return Vendor
	}
	return Permanent
}

// String returns the status as hexadecimal, with the name of the specification where
// it is one of the constants.
func (s Status) String() string {
	if n, ok := statuses[s]; ok {
		return fmt.Sprintf("%#02x %s", uint32(s), n)
	}
	return fmt.Sprintf("%#02x", uint32(s))
}

var statuses = map[Status]string{
	OK: "ESME_ROK", InvalidMessageLength: "ESME_RINVMSGLEN", InvalidCommandLength: "ESME_RINVCMDLEN",
	InvalidCommand: "ESME_RINVCMDID", InvalidBindStatus: "ESME_RINVBNDSTS", AlreadyBound: "ESME_RALYBND",
	SystemError: "ESME_RSYSERR", InvalidSource: "ESME_RINVSRCADR", InvalidDestination: "ESME_RINVDSTADR",
	InvalidMessageID: "ESME_RINVMSGID", BindFailed: "ESME_RBINDFAIL", InvalidPassword: "ESME_RINVPASWD",
	InvalidSystemID: "ESME_RINVSYSID", CancelFailed: "ESME_RCANCELFAIL", QueueFull: "ESME_RMSGQFUL",
	InvalidServiceType: "ESME_RINVSERTYP", SubmitFailed: "ESME_RSUBMITFAIL", InvalidSourceTON: "ESME_RINVSRCTON",
	InvalidDestinationTON: "ESME_RINVDSTTON", Throttled: "ESME_RTHROTTLED", InvalidSchedule: "ESME_RINVSCHED",
	InvalidExpiry: "ESME_RINVEXPIRY", TemporaryAppError: "ESME_RX_T_APPN", PermanentAppError: "ESME_RX_P_APPN",
	RejectedByApp: "ESME_RX_R_APPN", QueryFailed: "ESME_RQUERYFAIL", UnknownError: "ESME_RUNKNOWNERR",
}

// StatusError is a request that the other side answered with a status other than OK.
type StatusError struct {
	Command Command // the response
	Status  Status
}

// Error names the response and its status.
func (e *StatusError) Error() string { return fmt.Sprintf("smpp: %s: %s", e.Command, e.Status) }
