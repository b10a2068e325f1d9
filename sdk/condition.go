package sdk

import (
	"context"
	"log/slog"
	"regexp"
	"slices"
	"sync"
)

// Condition is trouble that belongs to no event and stands until it is over, such as a report that a server refused
// after its events were done. Operators see it in the host's status, in what needs attention, and as a metric.
type Condition struct {
	// Name is the same for as long as it lasts, "digest_refused": 1 to 64 letters a to z and _, no digits.
	Name string
	// Text says what is wrong, on one line of at most 500 bytes; more is cut off. It leaves the process, so it must have no
	// token, location, VIN or id of a user in it.
	Text string
	// Advice says what to do, likewise; "": Text says it.
	Advice string
}

const (
	// maxConditions is how many conditions of a handler stand at once.
	maxConditions = 16
	// maxConditionText bounds Text and Advice, in bytes.
	maxConditionText = 500
)

var conditionName = regexp.MustCompile(`^[a-z_]{1,64}$`)

// Report tells the host that a condition stands, or stands with another text, until [Clear] or the end of the process.
// It returns at once. A host that is too old to be told leaves it at the line in the log. ctx is that of a call or of
// the function that opens the handler, or one made of it. A Report beyond 16 conditions that stand, or with a name of
// another form, comes to nothing but an error in the log.
func Report(ctx context.Context, c Condition) {
	s := instanceOf(ctx)
	switch {
	case s == nil:
		Logger(ctx).Error("a condition was reported in a context that is not the SDK's; nobody is told", "condition", c.Name)
		return
	case !conditionName.MatchString(c.Name):
		Logger(ctx).Error("a condition has no good name: use 1 to 64 letters a to z and _; nobody is told",
			"condition", clipTo(c.Name, 64))
		return
	}
	c.Text, c.Advice = clipTo(c.Text, maxConditionText), clipTo(c.Advice, maxConditionText)
	s.conditions.put(c, s.log)
}

// Clear tells the host that a condition is over. It does nothing where none of that name stands.
func Clear(ctx context.Context, name string) {
	if s := instanceOf(ctx); s != nil {
		s.conditions.remove(name)
	}
}

// conditions are those that stand, in the order in which they came.
type conditions struct {
	mu   sync.Mutex
	list []Condition
	// changed is closed at the next change; nil while nobody waits for it.
	changed chan struct{}
}

func (c *conditions) put(condition Condition, log *slog.Logger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch i := c.index(condition.Name); {
	case i < 0 && len(c.list) == maxConditions:
		log.Error("too many conditions stand; nobody is told of another", "condition", condition.Name, "most", maxConditions)
		return
	case i < 0:
		c.list = append(c.list, condition)
	case c.list[i] == condition:
		return
	default:
		c.list[i] = condition
	}
	c.announce()
}

func (c *conditions) remove(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := c.index(name); i >= 0 {
		c.list = slices.Delete(c.list, i, i+1)
		c.announce()
	}
}

func (c *conditions) index(name string) int {
	return slices.IndexFunc(c.list, func(one Condition) bool { return one.Name == name })
}

// announce is called with the lock held.
func (c *conditions) announce() {
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// current returns those that stand, and what is closed when they have changed.
func (c *conditions) current() ([]Condition, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	return slices.Clone(c.list), c.changed
}
