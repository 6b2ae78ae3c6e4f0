package httpapi

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

func (a *API) downloadOperation() huma.Operation {
	return huma.Operation{
		Method: http.MethodGet, Path: "/api/files/download/{id}/{format}", OperationID: "download", Tags: []string{"files"},
		Summary:     "One of a book's files",
		Description: "The file as it is, as an attachment. Ranges and conditional requests work.",
		Parameters: []*huma.Param{
			pathParam("id", "The book's id.", idSchema()),
			pathParam("format", "The format, in any case, such as epub.", stringSchema()),
			libraryParam(), viewParam(), ifNoneMatch(), rangeParam(),
		},
		Responses: a.fileResponses("The file.", "application/octet-stream"),
	}
}

func (a *API) coverOperation() huma.Operation {
	return huma.Operation{
		Method: http.MethodGet, Path: "/api/files/cover/{id}", OperationID: "cover", Tags: []string{"files"},
		Summary:     "A book's cover",
		Description: "The original file, or a JPEG that fits in 120 × 180 (thumb), 240 × 360 (small) or 480 × 720 (medium) pixels.",
		Parameters: []*huma.Param{
			pathParam("id", "The book's id.", idSchema()), libraryParam(), viewParam(),
			queryParam("size", "full is the original.", &huma.Schema{Type: "string", Enum: []any{"thumb", "small", "medium", "full"}, Default: "full"}),
			queryParam("placeholder", "true answers with a drawn picture where there is no cover.", &huma.Schema{Type: "boolean", Default: false}),
			queryParam("v", "The version in the cover's URL. With the current one the answer may be kept for a week.", stringSchema()),
			ifNoneMatch(), rangeParam(),
		},
		Responses: a.fileResponses("The picture.", "image/jpeg", "image/png", "image/gif", "image/webp"),
	}
}

func rangeParam() *huma.Param {
	return &huma.Param{Name: "Range", In: "header", Schema: stringSchema(), Description: "Parts of the file, such as bytes=0-1023."}
}

func (a *API) fileResponses(description string, mediaTypes ...string) map[string]*huma.Response {
	content := map[string]*huma.MediaType{}
	for _, t := range mediaTypes {
		content[t] = &huma.MediaType{Schema: &huma.Schema{Type: "string", Format: "binary"}}
	}
	headers := map[string]*huma.Param{"ETag": {Description: "Strong entity tag: it changes with the file.", Schema: stringSchema()}}
	res := a.problems(http.StatusUnauthorized, http.StatusNotFound, http.StatusPreconditionFailed,
		http.StatusRequestedRangeNotSatisfiable, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	res["200"] = &huma.Response{Description: description, Headers: headers, Content: content}
	res["206"] = &huma.Response{Description: "The parts that Range asks for.", Headers: headers, Content: content}
	res["302"] = &huma.Response{
		Description: "The file is at a store: an address that works for a time, for who has it.",
		Headers:     map[string]*huma.Param{"Location": {Description: "The address.", Schema: stringSchema()}},
	}
	res["304"] = &huma.Response{Description: "The client's copy is current.", Headers: headers}
	return res
}
