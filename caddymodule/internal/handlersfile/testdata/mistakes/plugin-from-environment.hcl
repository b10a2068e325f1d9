handler "own" {
  plugin = env.PLUGIN
}
