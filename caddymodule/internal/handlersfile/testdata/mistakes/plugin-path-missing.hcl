handler "own" {
  plugin = "./bin/nothing"
}
