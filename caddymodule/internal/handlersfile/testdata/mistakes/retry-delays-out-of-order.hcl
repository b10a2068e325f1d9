handler "archive" {
  plugin = "jsonl"
  retry {
    min_delay = "1h"
  }
  config {
    path = "/var/lib/archive"
  }
}
