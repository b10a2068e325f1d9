handler "archive" {
  plugin = "jsonl"
  env = { PGHOST = ["one"] }
  config {
    path = "/var/lib/archive"
  }
}
