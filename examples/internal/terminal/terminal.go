// Package terminal is what the example programs have in common at the command
// line: flags with help and examples, exit codes, an interrupt that is told in
// words, a line that moves on a terminal and stands on a pipe, and tables that fit.
package terminal

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"
)

// The exit codes of a program.
const (
	OK          = 0
	Failed      = 1
	Usage       = 2   // the command line is wrong
	Interrupted = 130 // as a shell has it: 128 and SIGINT
)

// UsageError says that the command line is wrong: a flag, a value, a combination.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// Usagef returns a UsageError.
func Usagef(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// Stopped says how far a program came that was interrupted, such as "stopped after
// 22 of 40 evenings". It stands for the error that the interrupt caused, whose text
// may name addresses and tokens.
type Stopped struct {
	Text string
	Err  error
}

func (e *Stopped) Error() string { return e.Text }
func (e *Stopped) Unwrap() error { return e.Err }

// Main runs a program until it ends or is interrupted, and exits.
func Main(name string, run func(ctx context.Context, args []string, out, errs io.Writer) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	interrupted := ctx.Err() != nil
	stop()
	os.Exit(Code(name, err, interrupted, os.Stderr))
}

// Code writes the error of a program, on one line where it is one of the command
// line or of an interrupt, and returns the exit code.
func Code(name string, err error, interrupted bool, errs io.Writer) int {
	var usage *UsageError
	var stopped *Stopped
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return OK
	case errors.As(err, &usage):
		fmt.Fprintf(errs, "%s: %s (%s -h shows the flags)\n", name, oneLine(err.Error()), name)
		return Usage
	case errors.As(err, &stopped):
		fmt.Fprintf(errs, "%s: %s\n", name, stopped.Text)
		return Interrupted
	case interrupted:
		fmt.Fprintf(errs, "%s: stopped\n", name)
		return Interrupted
	}
	// The error of a package of the same name has it in front already.
	fmt.Fprintf(errs, "%s: %s\n", name, strings.TrimPrefix(Printable(err.Error()), name+": "))
	return Failed
}

func oneLine(s string) string { return strings.Join(strings.Fields(Printable(s)), " ") }

// Printable keeps what came from a file from steering the terminal.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '�'
		}
		return r
	}, s)
}

// Wrote says where a file went, by the path that the user gave; "" is no file.
func Wrote(w io.Writer, path string) {
	if path != "" {
		fmt.Fprintln(w, "wrote", path)
	}
}

// Flags are the flags of a program or of one of its commands, with help.
type Flags struct {
	*flag.FlagSet
	Usage    string   // after "usage: ", such as "night [flags]"
	Doc      string   // what it does, in a sentence
	Examples []string // command lines
	// Arguments is how many arguments there may be that are no flags.
	Arguments int
}

// NewFlags returns flags that say nothing by themselves.
func NewFlags(name, doc string, examples ...string) *Flags {
	f := &Flags{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError), Usage: name + " [flags]", Doc: doc, Examples: examples}
	f.FlagSet.SetOutput(io.Discard)
	f.FlagSet.Usage = func() {}
	return f
}

// Parse reads the arguments. For -h, -help and --help it writes the help to out and
// returns flag.ErrHelp; what is wrong is a UsageError, as is an argument beyond Arguments that is
// no flag.
func (f *Flags) Parse(args []string, out io.Writer) error {
	switch err := f.FlagSet.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		if err := f.Help(out); err != nil {
			return err
		}
		return flag.ErrHelp
	case err != nil:
		return &UsageError{err}
	case f.NArg() > f.Arguments:
		return Usagef("unexpected argument %q", f.Arg(f.Arguments))
	}
	return nil
}

// Help writes what the program does, its flags and its examples.
func (f *Flags) Help(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "usage: %s\n\n%s", f.Usage, wrapped(f.Doc, ""))
	some := false
	f.VisitAll(func(*flag.Flag) { some = true })
	if some {
		b.WriteString("\nflags:\n")
		f.VisitAll(func(x *flag.Flag) {
			kind, text := flag.UnquoteUsage(x)
			if kind != "" {
				kind = " " + kind
			}
			if x.DefValue != "" && x.DefValue != "0" && x.DefValue != "false" {
				value := x.DefValue
				if strings.ContainsAny(value, " \t\n") {
					value = strconv.Quote(value)
				}
				text += " (default " + value + ")"
			}
			fmt.Fprintf(&b, "  -%s%s\n%s", x.Name, kind, wrapped(text, "      "))
		})
	}
	for i, e := range f.Examples {
		if i == 0 {
			b.WriteString("\nexamples:\n")
		}
		b.WriteString(command(e))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// command is a command line as one pastes it: what does not fit is continued behind a \, before
// a flag.
func command(line string) string {
	var b strings.Builder
	at := "  "
	for utf8.RuneCountInString(at+line) > plainWidth {
		cut := strings.LastIndex(line[:min(len(line), plainWidth-len(at)-2)], " -")
		if cut <= 0 {
			break
		}
		b.WriteString(at + line[:cut] + " \\\n")
		line, at = line[cut+1:], "      "
	}
	return b.String() + at + line + "\n"
}

// wrapped breaks a text into lines of at most plainWidth columns, indented; a word that is longer
// has a line of its own.
func wrapped(text, indent string) string {
	var b strings.Builder
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && utf8.RuneCountInString(indent+line)+1+utf8.RuneCountInString(word) >= plainWidth {
			b.WriteString(indent + line + "\n")
			line = ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	b.WriteString(indent + line + "\n")
	return b.String()
}

// OneOf returns a UsageError if a value is none of those that a flag takes.
func OneOf(name, value string, values ...string) error {
	for _, v := range values {
		if v == value {
			return nil
		}
	}
	return Usagef("-%s: %q is none of %s", name, value, strings.Join(values, ", "))
}
