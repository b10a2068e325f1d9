handler "archive" {
  plugin = "jsonl"
  env = { PGHOST = null }
  config {
    path = "/var/lib/archive"
  }
}
