package api

// Diagnosis is what the running process gives to a support bundle: files with nothing of a person and no secret in them.
type Diagnosis struct {
	Files []DiagnosisFile `json:"files"`
	// Missing is what could not be had, or not all of it.
	Missing []DiagnosisGap `json:"missing"`
}

// DiagnosisFile is one file of a support bundle.
type DiagnosisFile struct {
	// Name is a path in the bundle, with slashes.
	Name string `json:"name"`
	Text string `json:"text"`
}

// DiagnosisGap is a part of a support bundle that is not there, or not all of it.
type DiagnosisGap struct {
	Part string `json:"part"`
	Why  string `json:"why"`
}
