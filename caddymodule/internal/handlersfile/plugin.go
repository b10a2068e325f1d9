package handlersfile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

var sha256Hex = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

// plugin reads what runs the handler. It returns the executable's file, nil for a
// bundled plugin.
func (l *loader) plugin(attrs hcl.Attributes, block *hcl.Block, d *Definition) fs.FileInfo {
	attr := attrs["plugin"]
	if attr == nil {
		l.errorf(block.DefRange, "Handler without a plugin",
			`Say what runs the handler: plugin = "name" for one that ships with this program%s, or plugin = "./path" for a program of your own.`,
			l.bundledList(" (", ")"))
	}
	given, ok := l.text(attr)
	args := l.args(attrs["args"])
	sum := l.sha256(attrs["sha256"])
	if !ok {
		return nil
	}

	at := attr.Expr.Range()
	if given == "" {
		l.errorf(at, "Handler without a plugin", "The plugin's name is empty.")
		return nil
	}
	if strings.ContainsRune(given, 0) {
		l.errorf(at, "Wrong plugin", "A path cannot hold a zero byte.")
		return nil
	}
	if strings.ContainsRune(given, '/') || strings.ContainsRune(given, filepath.Separator) {
		d.Args, d.SHA256 = args, sum
		return l.command(given, at, attrs["sha256"], d)
	}

	for _, own := range []string{"args", "sha256"} {
		if attrs[own] != nil {
			l.errorf(attrs[own].NameRange, "Only for a program of your own",
				"%s is for a plugin that is given by its path; %q ships with this program.", own, given)
		}
	}
	if l.opts.Bundled != nil {
		if _, ok := l.opts.Bundled(given); ok {
			d.Plugin = given
			return nil
		}
	}
	l.errorf(at, "Unknown plugin", "No plugin named %q ships with this program%s.%s A program of your own is given by its path, with a slash: %q.",
		given, l.bundledList("; there is ", ""), text.DidYouMean(given, l.opts.BundledNames), "./"+given)
	return nil
}

func (l *loader) bundledList(before, after string) string {
	if len(l.opts.BundledNames) == 0 {
		return ""
	}
	return before + strings.Join(l.opts.BundledNames, ", ") + after
}

func (l *loader) args(attr *hcl.Attribute) []string {
	if attr == nil {
		return nil
	}
	value, ok := l.value(attr, cty.List(cty.String))
	if !ok {
		return nil
	}
	var args []string
	for i, element := range value.AsValueSlice() {
		if element.IsNull() {
			l.errorf(attr.Expr.Range(), "Missing value", "The argument %d of args has no value.", i+1)
			continue
		}
		if strings.ContainsRune(element.AsString(), 0) {
			l.errorf(attr.Expr.Range(), "Wrong argument", "The argument %d of args holds a zero byte, which no program can be given.", i+1)
			continue
		}
		args = append(args, element.AsString())
	}
	return args
}

func (l *loader) sha256(attr *hcl.Attribute) string {
	sum, ok := l.text(attr)
	if !ok {
		return ""
	}
	if !sha256Hex.MatchString(sum) {
		l.errorf(attr.Expr.Range(), "Wrong checksum", "sha256 is the 64 hex digits that sha256sum prints for the executable.")
		return ""
	}
	return strings.ToLower(sum)
}

// command looks at the user's own executable. What is wrong with it is a warning: it
// is found again when the plugin is started, which refuses a reload, and at the start of
// the process leaves this handler down instead of ending all receiving.
func (l *loader) command(path string, at hcl.Range, sumAttr *hcl.Attribute, d *Definition) fs.FileInfo {
	absolute := filepath.FromSlash(path)
	if !filepath.IsAbs(absolute) {
		absolute = filepath.Join(l.source.folder, absolute)
	}
	d.Command = absolute
	info, err := os.Stat(absolute)
	if err != nil {
		l.programf(d, at, "Plugin not found", "There is no file %q%s. The handler is down until there is.", path, lookedIn(path))
		return nil
	}
	if !info.Mode().IsRegular() {
		l.programf(d, at, "Plugin not executable", "%q is not a file that can be run.", path)
		return nil
	}
	// Windows has no such bit; what can be run there shows in the name.
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o111 == 0 {
		l.programf(d, at, "Plugin not executable", "The file %q may not be run. To allow it: chmod +x %s", path, path)
		return nil
	}
	if d.SHA256 == "" {
		return info
	}
	sum, err := checksum(absolute)
	if err != nil {
		l.programf(d, sumAttr.Expr.Range(), "Checksum not checked", "The file %q cannot be read.", path)
		return info
	}
	if sum != d.SHA256 {
		l.programf(d, sumAttr.Expr.Range(), "Wrong checksum",
			"The file %q has the SHA-256 %s. If that is the program you mean, write it here.", path, sum)
	}
	return info
}

// programf is warnf about a handler's own program.
func (l *loader) programf(d *Definition, at hcl.Range, summary, detail string, args ...any) {
	l.warnf(at, summary, detail, args...)
	l.diags[len(l.diags)-1].Extra = handlerProgram(d.Name)
}

// handlerProgram, as a diagnostic's Extra, is the handler whose program is not as it must be.
type handlerProgram string

// RefusesReload returns the handler whose program a warning is about: a reload is refused
// because of it, while a start leaves the handler down. false for all other diagnostics.
func RefusesReload(d *hcl.Diagnostic) (handler string, ok bool) {
	p, ok := d.Extra.(handlerProgram)
	return string(p), ok
}

func lookedIn(path string) string {
	if filepath.IsAbs(filepath.FromSlash(path)) {
		return ""
	}
	return "; it is looked for from the folder of this handlers file"
}

func checksum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("opening the executable: %w", err)
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return "", fmt.Errorf("reading the executable: %w", err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
