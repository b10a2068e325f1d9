handler "own" {
  plugin = "postgres"
}
