package demo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// step is one request of the demo and what must come of it.
type step struct {
	title     string
	body      []byte
	signature string // "" sends none
	eventID   string
	// What must be answered.
	status int
	code   string // the error code in the answer's JSON, or "" for a success
	// challenge, if set, is what the answer must be the right answer to.
	challenge string
	// delivered: the handler must receive the event because of this request.
	delivered bool
}

// story is the sequence of requests: what Smartcar sends, and what an
// attacker would.
func story(token string, now time.Time) []step {
	vehicle := uuid.NewString()
	sample := func(id string) smartcar.Sample {
		return smartcar.Sample{EventID: id, VehicleID: vehicle, DeliveredAt: now, RecordedAt: now, Mode: "TEST"}
	}
	state, fault, last, forged := uuid.NewString(), uuid.NewString(), uuid.NewString(), uuid.NewString()
	stateBody := sample(state).VehicleState()
	faultBody := sample(fault).VehicleError()
	lastBody := sample(last).VehicleState()
	forgedBody := sample(forged).VehicleState()
	retry := sample(state)
	retry.DeliveredAt = now.Add(25 * time.Second)
	retry.DeliveryID = uuid.NewString()
	retryBody := retry.VehicleState()

	challenge := "Qx7mT2vLp9Rk4ZsA"
	verify := smartcar.Sample{EventID: uuid.NewString(), DeliveredAt: now}
	oracleBody := verify.Verify(string(forgedBody))

	return []step{
		{
			title: "VERIFY, a plain challenge", body: verify.Verify(challenge),
			status: http.StatusOK, challenge: challenge,
		},
		{
			title: "VEHICLE_STATE, signed", body: stateBody, signature: smartcar.Sign(token, stateBody), eventID: state,
			status: http.StatusOK, delivered: true,
		},
		{
			title: "VEHICLE_ERROR, signed", body: faultBody, signature: smartcar.Sign(token, faultBody), eventID: fault,
			status: http.StatusOK, delivered: true,
		},
		{
			title: "the VEHICLE_STATE again, as Smartcar retries", body: retryBody,
			signature: smartcar.Sign(token, retryBody), eventID: state,
			status: http.StatusOK,
		},
		{
			title: "VEHICLE_STATE, signed with another key", body: forgedBody,
			signature: smartcar.Sign("not-the-token-at-all", forgedBody), eventID: forged,
			status: http.StatusUnauthorized, code: "signature_mismatch",
		},
		{
			title: "VERIFY that asks for a signature of a forged event", body: oracleBody, eventID: forged,
			status: http.StatusBadRequest, code: "challenge_refused",
		},
		{
			title: "VEHICLE_STATE, signed, after all that", body: lastBody,
			signature: smartcar.Sign(token, lastBody), eventID: last,
			status: http.StatusOK, delivered: true,
		},
	}
}

// check holds an answer against what the step must give.
func (s step) check(token string, status int, body []byte) error {
	var answer struct {
		Error     string `json:"error"`
		Challenge string `json:"challenge"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("the answer is not JSON: %w", err)
	}
	if status != s.status {
		return fmt.Errorf("status %d, want %d", status, s.status)
	}
	if answer.Error != s.code {
		return fmt.Errorf("error code %q, want %q", answer.Error, s.code)
	}
	if s.challenge == "" && answer.Challenge != "" {
		return fmt.Errorf("a challenge was answered that must not be")
	}
	if s.challenge != "" && answer.Challenge != smartcar.Sign(token, []byte(s.challenge)) {
		return fmt.Errorf("the challenge's answer is wrong")
	}
	return nil
}
