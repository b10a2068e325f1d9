handler "archive" {
  plugin = "jsonl"
  env = { "PG HOST" = "db" }
  config {
    path = "/var/lib/archive"
  }
}
