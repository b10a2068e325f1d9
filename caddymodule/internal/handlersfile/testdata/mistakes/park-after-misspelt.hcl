handler "archive" {
  plugin = "jsonl"
  park_aftr = "6h"
  config {
    path = "/var/lib/archive"
  }
}
