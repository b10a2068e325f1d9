handler "archive" {
  plugin = "jsonl"
  env = { PGPASSWORD = env.SMARTCAR_TEST_NOT_SET }
  config {
    path = "/var/lib/archive"
  }
}
