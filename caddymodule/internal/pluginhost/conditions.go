package pluginhost

import (
	"context"
	"errors"
	"io"
	"regexp"
	"slices"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// What is taken of a plugin's conditions. A plugin of package sdk keeps within it.
const (
	maxConditions = 16
	// maxConditionText bounds a condition's text and advice, in bytes, and maxConditionsBytes one message.
	maxConditionText   = 500
	maxConditionsBytes = 32 << 10
	// conditionsPerSecond and conditionsBurst bound how many messages are read; gRPC's flow control has the plugin wait
	// with the others.
	conditionsPerSecond = 5
	conditionsBurst     = 10
)

// Condition is trouble that a plugin reports, which belongs to no event. Its texts are printable, on one line each.
type Condition struct {
	// Name is the same for as long as it lasts.
	Name string
	// Text says what is wrong, Advice what to do; "" where the plugin does not say.
	Text, Advice string
	// Since is when the host first heard of it.
	Since time.Time
}

// followConditions keeps the state's conditions as the process of inst tells them, until ctx ends. A plugin that does
// not know the call has none.
func (p *Plugin) followConditions(ctx context.Context, inst *instance) {
	limit := rate.NewLimiter(conditionsPerSecond, conditionsBurst)
	wait := backoff{min: p.t.conditionsMin, max: p.t.conditionsMax}
	for {
		err := p.readConditions(ctx, inst, limit)
		if ctx.Err() != nil || inst.closing.Load() || inst.proc.isGone() || status.Code(err) == codes.Unimplemented {
			return
		}
		delay := wait.next()
		p.log.Warn("plugin does not go on telling its conditions; it is asked again",
			"error", conditionsError(err), "in", delay.Round(time.Millisecond))
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return
		}
	}
}

func conditionsError(err error) string {
	if errors.Is(err, io.EOF) {
		return "it has ended the stream"
	}
	return capText(status.Convert(err).Message())
}

// readConditions takes messages until there are no more, and says why. What the last one said stands on.
func (p *Plugin) readConditions(ctx context.Context, inst *instance, limit *rate.Limiter) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := inst.handler.WatchConditions(ctx, &handlerv1.WatchConditionsRequest{},
		grpc.MaxCallRecvMsgSize(maxConditionsBytes))
	if err != nil {
		return err
	}
	for {
		if err := limit.Wait(ctx); err != nil {
			return err
		}
		told, err := stream.Recv()
		if err != nil {
			return err
		}
		p.setConditions(inst, told.GetConditions())
	}
}

// setConditions makes the conditions those of the state, and logs what came and what went.
func (p *Plugin) setConditions(inst *instance, told []*handlerv1.Condition) {
	list := toConditions(told)
	p.mu.Lock()
	if p.inst != inst {
		p.mu.Unlock()
		return
	}
	before := p.state.Conditions
	now := time.Now()
	for i := range list {
		list[i].Since = now
		if at := indexOf(before, list[i].Name); at >= 0 {
			list[i].Since = before[at].Since
		}
	}
	p.state.Conditions = list
	p.mu.Unlock()
	for _, c := range list {
		switch at := indexOf(before, c.Name); {
		case at < 0:
			p.log.Warn("handler reports trouble", "condition", c.Name, "what", c.Text, "do", c.Advice)
		case before[at] != c:
			p.log.Debug("handler reports trouble anew", "condition", c.Name, "what", c.Text, "do", c.Advice)
		}
	}
	for _, c := range before {
		if indexOf(list, c.Name) < 0 {
			p.log.Info("trouble that the handler reported is over", "condition", c.Name,
				"lasted", now.Sub(c.Since).Round(time.Millisecond))
		}
	}
}

func indexOf(list []Condition, name string) int {
	return slices.IndexFunc(list, func(c Condition) bool { return c.Name == name })
}

// conditionName has no digits, so that a name can be no id, VIN or place: it leaves the machine in messages.
var conditionName = regexp.MustCompile(`^[a-z_]{1,64}$`)

// toConditions takes of a plugin's conditions those with a good name, each once, as many as are kept; nil: there are none.
func toConditions(told []*handlerv1.Condition) []Condition {
	var list []Condition
	for _, c := range told {
		if len(list) == maxConditions {
			break
		}
		if !conditionName.MatchString(c.GetName()) || indexOf(list, c.GetName()) >= 0 {
			continue
		}
		one := Condition{Name: c.GetName(), Text: conditionText(c.GetText()), Advice: conditionText(c.GetAdvice())}
		if one.Text == "" {
			one.Text, one.Advice = one.Advice, ""
		}
		list = append(list, one)
	}
	return list
}

func conditionText(s string) string { return text.Clip(text.Clean(s), maxConditionText) }
