package smartcar_test

import (
	"fmt"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

func ExampleKeys_Verify() {
	// During a rotation both tokens are accepted.
	keys := smartcar.NewKeys("c2d4e6f8-0a1b-4c3d-8e5f-112233445566", "7f1c9a52-3b0e-4d6a-9c41-5e2f8a7d6b30")
	body := []byte(`{"eventType": "VEHICLE_STATE", "n": 1}`)

	index, ok := keys.Verify(body, "898b9eadc436875d55b027e030ca3a2a569269a33b840277e1c4e31cded621e6")
	fmt.Println(index, ok)
	fmt.Println(keys)
	// Output:
	// 1 true
	// smartcar.Keys(2 redacted)
}

func ExampleKeys_AnswerChallenge() {
	keys := smartcar.NewKeys("7f1c9a52-3b0e-4d6a-9c41-5e2f8a7d6b30")
	envelope, err := smartcar.ParseEnvelope(smartcar.Sample{}.Verify("Qx7mT2vLp9Rk4ZsA"))
	if err != nil {
		fmt.Println(err)
		return
	}
	if envelope.IsVerify && smartcar.PlainChallenge(envelope.Challenge) {
		fmt.Printf("%s\n", smartcar.AnswerBody(keys.AnswerChallenge(envelope.Challenge)))
	}
	// Output: {"challenge":"1665fbb920ddd1f58916ab4515e11a3c78730e14cfc4b8bc4cb8a34c46febbb0"}
}

func ExampleParseEvent() {
	event, err := smartcar.ParseEvent([]byte(`{
		"eventType": "VEHICLE_STATE",
		"data": {"signals": [{
			"code": "tractionbattery-stateofcharge",
			"body": {"value": 63, "unit": "percent"},
			"meta": {"oemUpdatedAt": 1763626501000}
		}]},
		"triggers": [{"type": "SIGNAL_UPDATED", "signal": "TractionBattery.StateOfCharge"}]
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	charge, _ := event.Signal("tractionbattery-stateofcharge")
	percent, _ := charge.Number()
	fmt.Println(percent, charge.Unit(), charge.OEMUpdatedAt, event.Changed(charge.Code))
	// Output: 63 percent 2025-11-20 08:15:01 +0000 UTC true
}

func ExampleSample() {
	body := smartcar.Sample{EventID: "e-1", VehicleID: "v-1", Size: 2048}.VehicleState()
	envelope, err := smartcar.ParseEnvelope(body)
	fmt.Println(len(body), envelope.EventType, envelope.VehicleID, err)
	// Output: 2048 VEHICLE_STATE v-1 <nil>
}
