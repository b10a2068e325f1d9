handler "archive" {
  plugin = "jsonl"
  env {
    STAGE = "test"
  }
  config {
    path = "/var/lib/archive"
  }
}
