# A failing event lets its vehicle go on soon, and calls may take long.
handler "ledger" {
  plugin     = "witness"
  when       = event.mode != "TEST"
  timeout    = "20s"
  park_after = 2

  retry {
    max_attempts = 20
    min_delay    = "100ms"
    max_delay    = "1s"
  }
}

# The same as in plain.hcl: a reload from one to the other keeps it as it is.
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
  plugin      = "witness"
  when        = event.mode != "TEST"
  concurrency = 3
  timeout     = "1s"

  retry {
    max_attempts = 3
    min_delay    = "300ms"
    max_delay    = "3s"
  }
  breaker {
    failures = 1
    cooldown = "1s"
  }
}
