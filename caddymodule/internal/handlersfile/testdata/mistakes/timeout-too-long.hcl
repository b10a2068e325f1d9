handler "archive" {
  plugin = "jsonl"
  timeout = "2h"
  config {
    path = "/var/lib/archive"
  }
}
