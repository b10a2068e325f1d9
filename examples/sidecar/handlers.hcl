# Everything goes to the application, in order for each vehicle.
handler "legacy_app" {
  plugin      = "http"
  concurrency = 16
  timeout     = "10s"

  retry {
    max_attempts = 12
    min_delay    = "1s"
    max_delay    = "10m"
  }

  # How soon it is tried again when nobody answers at all.
  breaker {
    failures = 5
    cooldown = "10s"
  }

  config {
    url = "http://127.0.0.1:3000/webhooks/smartcar"
  }
}

# And a copy is kept, whatever the application does with it.
handler "archive" {
  plugin = "jsonl"

  config {
    path = "events.jsonl"
  }
}
