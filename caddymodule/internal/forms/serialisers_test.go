package forms

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
)

// nasty are bodies that serialisers print in different ways, or not at all.
var nasty = map[string]string{
	"an event":                     `{"eventId":"a9f3","eventType":"VEHICLE_STATE","data":{"signals":[{"value":63.5},{"latitude":57.70887}]},"meta":{"deliveredAt":1763626510233}}`,
	"blanks":                       "{ \"a\" : [ 1 , 2 ] ,\n\t\"b\":\r\n{ } }",
	"a line end behind it":         "{\"a\":1}\n",
	"17.0":                         `{"value":17.0}`,
	"fractions":                    `[0.1,0.30000000000000004,1.10,100.000,5e-324,1.7976931348623157e308,0.1e1,123456.789e3]`,
	"exponents":                    `[1e0,1E5,1e+5,1e-5,1e15,1e16,1e17,1e20,1e21,1e22,123e20,1.5e300,1e-6,1e-7,12e-7,0.0001,0.00001,0.00012345]`,
	"zeros":                        `[0,-0,0.0,-0.0,0e5,-0e-5,1e-400,-1e-400]`,
	"too large":                    `[1e400,-1e400,1e309]`,
	"integers at 2^53":             `[9007199254740991,9007199254740992,9007199254740993,-9007199254740993,18446744073709551616]`,
	"a very large integer":         `[123456789012345678901234567890,1000000000000000000000,999999999999999999999]`,
	"an integer of 4300 digits":    "[" + strings.Repeat("7", 4300) + "]",
	"an integer of 4301 digits":    "[-" + strings.Repeat("7", 4301) + "]",
	"halves":                       `[0.5,2.5,1e23,9.5367431640625e-7,4.35,0.000001,123456789012345680.0,1234567890123456.0,12345678901234567.0]`,
	"integer-like keys":            `{"b":1,"10":2,"9":3,"01":4,"-1":5,"1.5":6,"a":7,"0":8}`,
	"integer-like keys, large":     `{"x":1,"4294967295":2,"4294967294":3,"4294967296":4,"9007199254740993":5,"99999999999999999999":6}`,
	"keys that come twice":         `{"a":1,"b":2,"a":3,"c":{"z":1,"z":[2]}}`,
	"an escaped key comes twice":   `{"a":1,"\u0061":2}`,
	"keys with a meaning":          `{"__proto__":{"x":1},"constructor":2,"toString":3,"":4}`,
	"empty ones":                   `{"":"","a":{},"b":[],"c":[{}],"d":[[]]}`,
	"escapes":                      `{"a":"\"\\\/\b\f\n\r\t\u0000\u001f\u007f"}`,
	"characters":                   "{\"n\":\"Käfer 日本 \u007f \u0080 \u00ff 😀\"}",
	"escaped characters":           `{"n":"K\u00e4fer \u65E5\u672c \ud83d\ude00 \u0041"}`,
	"lone surrogates":              `["\ud800","\udc00","a\ud83d","\ude00\ud83d","\ud83d\ud83d\ude00","\uDBFFx"]`,
	"a lone surrogate as key":      `{"\ud800":1}`,
	"surrogate and character":      `["\ud83d😀"]`,
	"<>&":                          `{"webhookName":"A<B>&C'=\/"}`,
	"line separators":              "{\"a\":\"\u2028\u2029\",\"b\":\"\\u2028\\u2029\"}",
	"a byte order mark inside":     "[\"\ufeff\",\"\\ufeff\"]",
	"characters beyond Unicode's":  "[\"\uffff\ufffe\ufffd\U0010ffff\"]",
	"sorted by character":          "{\"\uffff\":1,\"😀\":2,\"é\":3,\"z\":4,\"Z\":5,\"\":6}",
	"literals":                     `[null,true,false]`,
	"one text":                     `"a"`,
	"one number":                   ` 1.0 `,
	"deep":                         strings.Repeat("[", 400) + strings.Repeat("]", 400),
	"deep objects":                 strings.Repeat(`{"a":[`, 200) + "1.0" + strings.Repeat("]}", 200),
	"as deep as we go":             strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1),
	"a number in quotes":           `{"a":"1e21"}`,
	"many digits":                  `[0.1000000000000000055511151231257827,3.141592653589793238462643383279,2.2250738585072011e-308]`,
	"a small number without point": `[0.000000123,123e-20,10e-1,1e1,10E0,-1.0E-2]`,
}

// nodeProgram prints each body of its input with each indent, null where it cannot.
const nodeProgram = `
const bodies = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const print = (text, indent) => { try { return JSON.stringify(JSON.parse(text), null, indent) } catch { return null } };
const answers = bodies.map(b => ({
  "as JavaScript's JSON.stringify prints it": print(b),
  "as JavaScript's JSON.stringify prints it with 2 blanks": print(b, 2),
  "as JavaScript's JSON.stringify prints it with 4 blanks": print(b, 4),
  "as JavaScript's JSON.stringify prints it with tabs": print(b, '\t'),
  "put into a JSON string": JSON.stringify(b),
}));
process.stdout.write(JSON.stringify(answers));
`

// pythonProgram is the same for Python.
const pythonProgram = `
import json, sys
ways = {"": {}, " without blanks": {"separators": (",", ":")}}
def dump(text, **options):
    try:
        out = json.dumps(json.loads(text), **options)
        out.encode("utf-8")
        return out
    except (ValueError, RecursionError):
        return None
def answer(text):
    name = "as Python's json.dumps prints it"
    out = {"put into a JSON string of ASCII": json.dumps(text)}
    for sort in (False, True):
        s = {"sort_keys": sort}
        end = ", with sort_keys" if sort else ""
        out[name + end] = dump(text, **s)
        out[name + " with ensure_ascii=False" + end] = dump(text, ensure_ascii=False, **s)
        out[name + " without blanks" + end] = dump(text, separators=(",", ":"), **s)
        out[name + " without blanks and ensure_ascii=False" + end] = dump(text, separators=(",", ":"), ensure_ascii=False, **s)
        for n in (2, 4):
            out[name + " with indent=%d" % n + (" and sort_keys" if sort else "")] = dump(text, indent=n, **s)
    return out
bodies = json.loads(sys.stdin.buffer.read())
sys.stdout.buffer.write(json.dumps([answer(b) for b in bodies]).encode())
`

// printedBy returns how a real serialiser prints bodies, in each of its ways: nil where it cannot.
func printedBy(t *testing.T, program, flag, script string, bodies []string) []map[string]*string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		proof.Missing(t, program, err)
	}
	in, err := json.Marshal(bodies)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, flag, script)
	cmd.Stdin = bytes.NewReader(in)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, said.Bytes())
	}
	var answers []map[string]*string
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(bodies) {
		t.Fatalf("%d answers for %d bodies: %v", len(answers), len(bodies), err)
	}
	return answers
}

// ours are all the ways in which we print a body.
func ours(body string) map[string]string {
	all := make(map[string]string)
	eachPrinted([]byte(body), func(name string, printed []byte) bool {
		all[name] = string(printed)
		return true
	})
	for name, ascii := range map[string]bool{"put into a JSON string": false, "put into a JSON string of ASCII": true} {
		if quoted, ok := quote([]byte(body), ascii); ok {
			all[name] = string(quoted)
		}
	}
	return all
}

// compare holds our forms of bodies to those of a real serialiser, byte for byte.
func compare(t *testing.T, bodies []string, answers []map[string]*string) {
	t.Helper()
	for i, body := range bodies {
		printed := ours(body)
		for name, want := range answers[i] {
			got, ok := printed[name]
			switch {
			case want == nil && ok:
				t.Errorf("%s\n%.200s: the real one refuses, ours is %.200s", name, body, got)
			case want != nil && !ok:
				t.Errorf("%s\n%.200s: we have none, the real one is %.200s", name, body, *want)
			case want != nil && got != *want:
				t.Errorf("%s\n%.200s: ours is\n%.200s, the real one is\n%.200s", name, body, got, *want)
			}
		}
	}
}

// serialisers are the real ones.
var serialisers = map[string]struct{ flag, program string }{
	"node": {"-e", nodeProgram}, "python3": {"-c", pythonProgram},
}

// What we say that JavaScript and Python print is what they print.
func TestSerialisers(t *testing.T) {
	for program, s := range serialisers {
		t.Run(program, func(t *testing.T) {
			var names, bodies []string
			for name, body := range nasty {
				names, bodies = append(names, name), append(bodies, body)
			}
			answers := printedBy(t, program, s.flag, s.program, bodies)
			for i, name := range names {
				t.Run(name, func(t *testing.T) { compare(t, bodies[i:i+1], answers[i:i+1]) })
			}
		})
	}
}

// The same with numbers, texts and keys at random; many of them in the long form.
func TestSerialisersAtRandom(t *testing.T) {
	n := 300
	if proof.IsLong() {
		n = 10_000
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	bodies := make([]string, n)
	for i := range bodies {
		var b strings.Builder
		b.WriteString("{")
		for j := range 6 {
			if j > 0 {
				b.WriteString(",")
			}
			fmt.Fprintf(&b, "%s:[%s,%s]", randomText(r), randomNumber(r), randomText(r))
		}
		b.WriteString("}")
		bodies[i] = b.String()
	}
	for program, s := range serialisers {
		t.Run(program, func(t *testing.T) { compare(t, bodies, printedBy(t, program, s.flag, s.program, bodies)) })
	}
}

func randomNumber(r *rand.Rand) string {
	switch r.IntN(5) {
	case 0:
		return strconv.FormatInt(int64(r.Uint64())>>r.IntN(64), 10)
	case 1:
		return fmt.Sprintf("%d.%de%d", r.IntN(10), r.IntN(1e6), r.IntN(640)-330)
	case 2:
		return fmt.Sprintf("%.*f", r.IntN(12), (r.Float64()-0.5)*math.Pow10(r.IntN(24)))
	case 3:
		return strconv.FormatFloat(math.Float64frombits(r.Uint64()&^(1<<62)), 'e', r.IntN(20)-1, 64)
	default:
		return strconv.FormatFloat(r.Float64()*math.Pow10(r.IntN(10)-8), 'f', -1, 64)
	}
}

func randomText(r *rand.Rand) string {
	const letters = "0019aZ</>&'=\u007f\u0080é日😀\u2028\ufeff\uffff"
	all := []rune(letters)
	s := []byte(`"`)
	for range r.IntN(5) {
		switch c := all[r.IntN(len(all))]; r.IntN(4) {
		case 0:
			s = appendEscape(s, c)
		case 1:
			s = fmt.Appendf(s, `\u%04x`, r.IntN(0x10000))
		default:
			s = append(s, string(c)...)
		}
	}
	return string(append(s, '"'))
}
