handler "" {
  plugin = "jsonl"
  config {
    path = "/var/lib/archive"
  }
}
