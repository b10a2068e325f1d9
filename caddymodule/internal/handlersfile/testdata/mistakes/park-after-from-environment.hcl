handler "archive" {
  plugin = "jsonl"
  park_after = env.PARK_AFTER
  config {
    path = "/var/lib/archive"
  }
}
