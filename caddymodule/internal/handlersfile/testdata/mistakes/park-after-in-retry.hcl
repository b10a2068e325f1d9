handler "archive" {
  plugin = "jsonl"
  retry {
    park_after = "6h"
  }
  config {
    path = "/var/lib/archive"
  }
}
