# One event at a time, and little patience.
handler "ledger" {
  plugin      = "witness"
  when        = event.mode != "TEST"
  concurrency = 4
  timeout     = "3s"

  retry {
    max_attempts = 4
    min_delay    = "200ms"
    max_delay    = "2s"
  }
  breaker {
    failures = 3
    cooldown = "2s"
  }
  batch {
    max_events = 1
  }
}

handler "archive" {
  plugin      = "witness"
  when        = event.mode != "TEST"
  concurrency = 1

  retry {
    max_attempts = 2
    min_delay    = "1s"
    max_delay    = "3s"
  }
}

handler "alerts" {
  plugin = "witness"
  when   = event.mode != "TEST"

  retry {
    max_attempts = 6
    min_delay    = "50ms"
    max_delay    = "5s"
  }
}
