package smartcar

// The types of resolutions; treat them as an open set, often empty.
const (
	// ResolutionRetryLater needs nobody: later it may work.
	ResolutionRetryLater = "RETRY_LATER"
	// ResolutionReauthenticate needs the owner to connect the vehicle again, at the resolution's URL if there is one.
	ResolutionReauthenticate = "REAUTHENTICATE"
	// ResolutionContactSupport needs Smartcar.
	ResolutionContactSupport = "CONTACT_SUPPORT"
	// ResolutionUserActionRequired and ResolutionActionRequired need the owner to do what the message for the user, or
	// the resolution's URL, says.
	ResolutionUserActionRequired = "USER_ACTION_REQUIRED"
	ResolutionActionRequired     = "ACTION_REQUIRED"
	// ResolutionUnknown is what Smartcar says when it does not know either.
	ResolutionUnknown = "UNKNOWN_RESOLUTION_TYPE"
)

// ErrorInfo is what Smartcar says of any error.
type ErrorInfo struct {
	// Type and Code are such as CONNECTED_SERVICES_ACCOUNT and AUTHENTICATION_FAILED,
	// see [ErrorTypes]. Code is empty if Smartcar says null.
	Type, Code string
	// Title and Detail are newer than Description; all are for logs, SuggestedUserMessage is for the user.
	Title, Detail, Description, SuggestedUserMessage string
	DocURL                                           string
	// Resolution is the type of what helps, such as REAUTHENTICATE; often empty.
	Resolution string
	// ResolutionURL is where the owner can do it, for instance connect the vehicle again; often empty. It is meant for
	// the owner and does not belong in a log.
	ResolutionURL string
}

// SignalError is why a signal could not be read.
type SignalError struct{ ErrorInfo }

// The states of a VehicleError.
const (
	StateError    = "ERROR"
	StateResolved = "RESOLVED"
)

// VehicleError is one error of a VEHICLE_ERROR.
type VehicleError struct {
	ErrorInfo
	// State is ERROR, or RESOLVED in the later event that ends the error.
	State string
	// Signals are those that cannot be read because of the error.
	Signals []SignalRef
}

// Resolved reports whether the error is over.
func (e VehicleError) Resolved() bool { return e.State == StateResolved }

// wireErrorInfo is an error as it is sent.
type wireErrorInfo struct {
	Type                 text `json:"type"`
	Code                 text `json:"code"`
	Title                text `json:"title"`
	Detail               text `json:"detail"`
	Description          text `json:"description"`
	SuggestedUserMessage text `json:"suggestedUserMessage"`
	DocURL               text `json:"docURL"`
	Resolution           struct {
		Type text `json:"type"`
		URL  text `json:"url"`
	} `json:"resolution"`
}

func (w *wireErrorInfo) info() ErrorInfo {
	return ErrorInfo{
		Type:                 string(w.Type),
		Code:                 string(w.Code),
		Title:                string(w.Title),
		Detail:               string(w.Detail),
		Description:          string(w.Description),
		SuggestedUserMessage: string(w.SuggestedUserMessage),
		DocURL:               string(w.DocURL),
		Resolution:           string(w.Resolution.Type),
		ResolutionURL:        string(w.Resolution.URL),
	}
}

// wireError is one of data.errors.
type wireError struct {
	wireErrorInfo
	State   text          `json:"state"`
	Signals list[wireRef] `json:"signals"`
}

func vehicleErrors(in list[wireError]) []VehicleError {
	var out []VehicleError
	for _, w := range in {
		e := VehicleError{ErrorInfo: w.info(), State: string(w.State)}
		for _, ref := range w.Signals {
			e.Signals = append(e.Signals, SignalRef(ref))
		}
		out = append(out, e)
	}
	return out
}
