package smpp_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/messaging/smpp"
)

var noon = time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)

// partOf makes part n of a message.
func partOf(from string, ref byte, n, of int) *smpp.Message {
	return &smpp.Message{Source: smpp.Address{Addr: from}, ESMClass: smpp.UDHI, Text: append([]byte{5, 0, 3, ref, byte(of), byte(n)}, fmt.Sprintf("%s %d;", from, n)...)}
}

func sarPart(from string, ref uint16, n, of byte) *smpp.Message {
	return &smpp.Message{Source: smpp.Address{Addr: from}, Text: fmt.Appendf(nil, "%s %d;", from, n), TLVs: smpp.TLVs{
		{Tag: smpp.TagSARRef, Value: []byte{byte(ref >> 8), byte(ref)}}, {Tag: smpp.TagSARTotal, Value: []byte{of}}, {Tag: smpp.TagSARSequence, Value: []byte{n}}}}
}

func textOf(t *testing.T, w smpp.Whole) (s string) {
	t.Helper()
	for _, m := range w.Parts {
		_, text, err := smpp.SplitHeader(m.ESMClass, m.UserData())
		require.NoError(t, err)
		s += string(text)
	}
	return s
}

func add(t *testing.T, r *smpp.Reassembler, now time.Time, m *smpp.Message) []smpp.Whole {
	t.Helper()
	out, err := r.Add(now, m)
	require.NoError(t, err)
	return out
}

func TestReassemble(t *testing.T) {
	var r smpp.Reassembler
	assert.Len(t, add(t, &r, noon, &smpp.Message{Text: []byte("short")}), 1)
	assert.Empty(t, add(t, &r, noon, partOf("a", 7, 3, 3)))
	assert.Empty(t, add(t, &r, noon, partOf("b", 7, 1, 3)), "the same reference, another sender")
	assert.Empty(t, add(t, &r, noon, sarPart("a", 7, 1, 3)), "not the same as a header's")
	assert.Empty(t, add(t, &r, noon, partOf("a", 7, 1, 3)))
	assert.Empty(t, add(t, &r, noon, partOf("a", 7, 1, 3)), "again")
	got := add(t, &r, noon, partOf("a", 7, 2, 3))
	require.Len(t, got, 1)
	assert.Equal(t, "a 1;a 2;a 3;", textOf(t, got[0]))
	assert.Zero(t, got[0].Missing)

	add(t, &r, noon, sarPart("a", 7, 3, 3))
	got = add(t, &r, noon, sarPart("a", 7, 2, 3))
	require.Len(t, got, 1)
	assert.Equal(t, "a 1;a 2;a 3;", textOf(t, got[0]))

	n, octets := r.Waiting()
	assert.Equal(t, 1, n)
	assert.Positive(t, octets)
	late := r.Expire(noon.Add(10*time.Minute - 1))
	assert.Empty(t, late)
	late = r.Expire(noon.Add(10 * time.Minute))
	require.Len(t, late, 1, "nothing that a customer wrote is dropped")
	assert.Equal(t, "b 1;", textOf(t, late[0]))
	assert.Equal(t, 2, late[0].Missing)
	n, octets = r.Waiting()
	assert.Zero(t, n)
	assert.Zero(t, octets)
}

func TestReassembleReferenceUsedAgain(t *testing.T) {
	var r smpp.Reassembler
	add(t, &r, noon, partOf("a", 7, 1, 2))
	other := partOf("a", 7, 1, 2)
	other.Text = append(other.Text, " another"...)
	got := add(t, &r, noon, other)
	require.Len(t, got, 1)
	assert.Equal(t, 1, got[0].Missing)
	got = add(t, &r, noon, partOf("a", 7, 2, 2))
	require.Len(t, got, 1)
	assert.Equal(t, "a 1; anothera 2;", textOf(t, got[0]))
}

// TestReassembleIsBounded sends first parts only, a million octets of headers among them.
func TestReassembleIsBounded(t *testing.T) {
	r := smpp.Reassembler{Messages: 50, Octets: 20_000}
	given := 0
	for i := range 5000 {
		given += len(add(t, &r, noon.Add(time.Duration(i)), partOf(fmt.Sprint(i), byte(i), 1+i%200, 255)))
		n, octets := r.Waiting()
		require.LessOrEqual(t, n, 50)
		require.LessOrEqual(t, octets, 20_000)
		require.Equal(t, i+1, given+n, "each waits or was given up")
	}
}

func TestPartOf(t *testing.T) {
	for name, c := range map[string]struct {
		header []byte
		want   smpp.Part
		err    error
	}{
		"8 bits":       {[]byte{5, 0, 3, 9, 3, 2}, smpp.Part{Reference: 9, Number: 2, Of: 3}, nil},
		"16 bits":      {[]byte{6, 8, 4, 1, 9, 3, 2}, smpp.Part{Reference: 265, Wide: true, Number: 2, Of: 3}, nil},
		"with a shift": {[]byte{8, 0x25, 1, 1, 0, 3, 9, 3, 2}, smpp.Part{Reference: 9, Number: 2, Of: 3}, nil},
		"ports":        {[]byte{6, 5, 4, 0, 1, 0, 2}, smpp.Part{Number: 1, Of: 1}, nil},
		"3 of 2":       {[]byte{5, 0, 3, 9, 2, 3}, smpp.Part{Number: 1, Of: 1}, nil},
		"0 of 2":       {[]byte{5, 0, 3, 9, 2, 0}, smpp.Part{Number: 1, Of: 1}, nil},
		"0 of 0":       {[]byte{5, 0, 3, 9, 0, 0}, smpp.Part{Number: 1, Of: 1}, nil},
		"too long":     {[]byte{99, 0, 3}, smpp.Part{}, smpp.ErrHeader},
		"cut":          {[]byte{3, 0, 9, 1}, smpp.Part{}, smpp.ErrHeader},
		"nothing":      {nil, smpp.Part{}, smpp.ErrHeader},
	} {
		got, err := smpp.PartOf(&smpp.Message{ESMClass: smpp.UDHI, Text: c.header})
		require.ErrorIs(t, err, c.err, name)
		assert.Equal(t, c.want, got, name)
	}
	p, err := smpp.PartOf(sarPart("a", 300, 1, 2))
	require.NoError(t, err)
	assert.Equal(t, smpp.Part{Reference: 300, Wide: true, SAR: true, Number: 1, Of: 2}, p)
}

// TestPartOfSAR holds the bounds of the parameters.
func TestPartOfSAR(t *testing.T) {
	for _, c := range []struct {
		ref   uint16
		n, of byte
		want  smpp.Part
	}{
		{0xFFFF, 255, 255, smpp.Part{Reference: 0xFFFF, Wide: true, SAR: true, Number: 255, Of: 255}},
		{0, 1, 1, smpp.Part{Wide: true, SAR: true, Number: 1, Of: 1}},
		{1, 2, 1, smpp.Part{Number: 1, Of: 1}},
		{1, 0, 2, smpp.Part{Number: 1, Of: 1}},
	} {
		got, err := smpp.PartOf(sarPart("a", c.ref, c.n, c.of))
		require.NoError(t, err)
		assert.Equal(t, c.want, got)
	}
	wide := sarPart("a", 1, 1, 2)
	wide.TLVs[1].Value = []byte{1, 0} // 256 parts
	got, err := smpp.PartOf(wide)
	require.NoError(t, err)
	assert.Equal(t, smpp.Part{Number: 1, Of: 1}, got)
}

// FuzzReassemble: whatever comes, nothing panics, what is kept is bounded, and each
// part comes out once.
func FuzzReassemble(f *testing.F) {
	f.Add([]byte("\x05\x00\x03\x07\x02\x01a\x05\x00\x03\x07\x02\x02b"), uint8(7))
	f.Fuzz(func(t *testing.T, data []byte, size uint8) {
		r := smpp.Reassembler{Messages: 4, Octets: 8192, Wait: time.Second}
		kept, out := 0, 0
		seen := map[string]bool{}
		for i := 0; len(data) > 0; i++ {
			n := min(len(data), int(size)%16+1)
			m := &smpp.Message{ESMClass: smpp.UDHI, Text: data[:n]}
			data = data[n:]
			ready, err := r.Add(noon.Add(time.Duration(i)*time.Millisecond), m)
			if err == nil && !seen[string(m.Text)] {
				kept++
			}
			seen[string(m.Text)] = true
			for _, w := range ready {
				out += len(w.Parts)
			}
			if n, octets := r.Waiting(); n > 4 || octets > 8192 {
				t.Fatalf("%d messages of %d octets", n, octets)
			}
		}
		for _, w := range r.Expire(noon.Add(time.Hour)) {
			out += len(w.Parts)
		}
		if out < kept {
			t.Fatalf("%d parts came and %d went", kept, out)
		}
	})
}
