package receiver

import (
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/selfcheck"
)

// serveSelfCheck answers a question of this process. It is no traffic: nothing counts, limits or logs it.
func (rc *Receiver) serveSelfCheck(w http.ResponseWriter, r *http.Request, proof string) error {
	rc.connections.Disown(r)
	if vars, ok := r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any); ok {
		vars[caddyhttp.LogSkipVar] = true
	}
	refused := ""
	if f := checkHead(r, rc.MaxSize); f != nil {
		refused = f.code
	}
	selfcheck.Reply(w, r, proof, refused)
	return nil
}
