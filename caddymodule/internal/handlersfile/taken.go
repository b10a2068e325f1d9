package handlersfile

// Untaken returns those of the sources from which no handler takes events of a type: its when is false for each, or its
// plugin does not want the type. wants asks the plugin of one of the definitions, by its index; one that has not said
// what it wants may want all. A handler whose definition has a mistake may take any. Where there is no handler at all,
// nothing is untaken: events are stored until there is one.
func Untaken(defs []Definition, wants func(i int) bool, eventType string, sources []string) []string {
	if len(defs) == 0 {
		return nil
	}
	var untaken []string
	for _, source := range sources {
		if !anyTakes(defs, wants, eventType, source) {
			untaken = append(untaken, source)
		}
	}
	return untaken
}

func anyTakes(defs []Definition, wants func(i int) bool, eventType, source string) bool {
	for i := range defs {
		d := &defs[i]
		if d.Mistake != nil || d.When.MayMatch(eventType, source) && wants(i) {
			return true
		}
	}
	return false
}
