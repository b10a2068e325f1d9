# Batches, with and without a wait for them to fill.
handler "ledger" {
  plugin      = "witness"
  when        = event.mode != "TEST"
  concurrency = 2

  retry {
    max_attempts = 5
    min_delay    = "100ms"
    max_delay    = "1s"
  }
  batch {
    max_events = 8
    max_wait   = "20ms"
  }
}

handler "archive" {
  plugin      = "witness"
  when        = event.mode != "TEST"
  concurrency = 8

  retry {
    max_attempts = 3
    min_delay    = "500ms"
    max_delay    = "4s"
  }
  breaker {
    failures = 2
    cooldown = "3s"
  }
  batch {
    max_events = 3
  }
}

handler "alerts" {
  plugin = "witness"
  when   = event.mode != "TEST"

  retry {
    max_attempts = 3
    min_delay    = "50ms"
    max_delay    = "2s"
  }
  batch {
    max_events = 50
    max_wait   = "200ms"
  }
}
