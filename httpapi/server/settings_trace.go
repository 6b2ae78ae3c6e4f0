package server

import "strings"

// traceSettings are those of traces. OpenTelemetry's own code reads other
// variables with the same beginning.
func traceSettings() []setting {
	return []setting{
		{
			group: "Traces", name: "OTEL_EXPORTER_OTLP_ENDPOINT", value: "URL", def: "off",
			help: "Where OpenTelemetry traces are sent, such as http://collector:4318. OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS and the like are heeded.",
			set: func(c *Config, v string) error {
				if !strings.EqualFold(v, "off") {
					c.OTLPEndpoint = v
				}
				return nil
			},
		},
		{
			name: "OTEL_EXPORTER_OTLP_PROTOCOL", value: "PROTOCOL", def: otlpHTTP,
			help: "http/protobuf, usually at port 4318, or grpc, usually at port 4317.",
			set:  text(func(c *Config) *string { return &c.OTLPProtocol }),
		},
	}
}
