# No event waits for another of its vehicle.
handler "ledger" {
  plugin      = "witness"
  when        = event.mode != "TEST"
  order       = "none"
  concurrency = 6

  retry {
    max_attempts = 4
    min_delay    = "100ms"
    max_delay    = "3s"
  }
}

handler "archive" {
  plugin      = "witness"
  when        = event.mode != "TEST"
  order       = "none"
  concurrency = 2

  retry {
    max_attempts = 3
    min_delay    = "1s"
    max_delay    = "2s"
  }
  batch {
    max_events = 6
    max_wait   = "50ms"
  }
}

handler "alerts" {
  plugin = "witness"
  when   = event.mode != "TEST"

  retry {
    max_attempts = 3
    min_delay    = "50ms"
    max_delay    = "1s"
  }
}
