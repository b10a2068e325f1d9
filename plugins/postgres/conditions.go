package postgres

// conditions are names of SQLSTATEs that events or operators meet, from appendix A of PostgreSQL's manual.
var conditions = map[string]string{
	"08001": "sqlclient_unable_to_establish_sqlconnection",
	"08004": "sqlserver_rejected_establishment_of_sqlconnection",
	"08006": "connection_failure",
	"08P01": "protocol_violation",
	"0A000": "feature_not_supported",
	"21000": "cardinality_violation",
	"22001": "string_data_right_truncation",
	"22003": "numeric_value_out_of_range",
	"22007": "invalid_datetime_format",
	"22008": "datetime_field_overflow",
	"22012": "division_by_zero",
	"22021": "character_not_in_repertoire",
	"22023": "invalid_parameter_value",
	"22P02": "invalid_text_representation",
	"22P03": "invalid_binary_representation",
	"22P05": "untranslatable_character",
	"23000": "integrity_constraint_violation",
	"23502": "not_null_violation",
	"23503": "foreign_key_violation",
	"23505": "unique_violation",
	"23514": "check_violation",
	"23P01": "exclusion_violation",
	"25006": "read_only_sql_transaction",
	"25P03": "idle_in_transaction_session_timeout",
	"26000": "invalid_sql_statement_name",
	"28000": "invalid_authorization_specification",
	"28P01": "invalid_password",
	"3D000": "invalid_catalog_name",
	"3F000": "invalid_schema_name",
	"40001": "serialization_failure",
	"40003": "statement_completion_unknown",
	"40P01": "deadlock_detected",
	"42501": "insufficient_privilege",
	"42601": "syntax_error",
	"42701": "duplicate_column",
	"42702": "ambiguous_column",
	"42703": "undefined_column",
	"42704": "undefined_object",
	"42710": "duplicate_object",
	"42723": "duplicate_function",
	"42804": "datatype_mismatch",
	"42846": "cannot_coerce",
	"42883": "undefined_function",
	"42P01": "undefined_table",
	"42P06": "duplicate_schema",
	"42P07": "duplicate_table",
	"42P08": "ambiguous_parameter",
	"42P10": "invalid_column_reference",
	"42P18": "indeterminate_datatype",
	"53100": "disk_full",
	"53200": "out_of_memory",
	"53300": "too_many_connections",
	"53400": "configuration_limit_exceeded",
	"54000": "program_limit_exceeded",
	"54001": "statement_too_complex",
	"55000": "object_not_in_prerequisite_state",
	"55006": "object_in_use",
	"55P03": "lock_not_available",
	"57014": "query_canceled",
	"57P01": "admin_shutdown",
	"57P02": "crash_shutdown",
	"57P03": "cannot_connect_now",
	"57P04": "database_dropped",
	"57P05": "idle_session_timeout",
	"58030": "io_error",
	"P0001": "raise_exception",
	"XX000": "internal_error",
	"XX001": "data_corrupted",
}

// classes are the names of the first two characters.
var classes = map[string]string{
	"08": "connection_exception",
	"22": "data_exception",
	"23": "integrity_constraint_violation",
	"28": "invalid_authorization_specification",
	"40": "transaction_rollback",
	"42": "syntax_error_or_access_rule_violation",
	"53": "insufficient_resources",
	"54": "program_limit_exceeded",
	"55": "object_not_in_prerequisite_state",
	"57": "operator_intervention",
	"58": "system_error",
	"P0": "plpgsql_error",
	"XX": "internal_error",
}

// conditionName is the name of a SQLSTATE, else of its class.
func conditionName(code string) string {
	if name, ok := conditions[code]; ok {
		return name
	}
	if name, ok := classes[code[:min(len(code), 2)]]; ok {
		return name
	}
	return "unknown_condition"
}
