package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/admin"
)

func parseScales(cmd *cobra.Command, args []string) (requests []admin.ScaleRequest, err error) {
	if len(args) == 0 {
		return nil, usagef(cmd, "zfleet scale needs a number of workers, as in zfleet scale hello=8")
	}
	for _, arg := range args {
		req, err := parseScale(arg)
		if err != nil {
			return nil, usagef(cmd, "%v", err)
		}
		if slices.ContainsFunc(requests, func(r admin.ScaleRequest) bool { return r.Service == req.Service }) {
			return nil, usagef(cmd, "%q is the second number for the same service", arg)
		}
		requests = append(requests, req)
	}
	return requests, nil
}

// parseScale reads hello=8, hello=+2, hello=-1, hello=auto, 8.
func parseScale(arg string) (admin.ScaleRequest, error) {
	service, text, named := strings.Cut(arg, "=")
	if !named {
		service, text = "", arg
	}
	if text == "auto" && (!named || service != "") {
		return admin.ScaleRequest{Service: service, Auto: true}, nil
	}
	n, err := strconv.Atoi(text)
	change := strings.HasPrefix(text, "+") || strings.HasPrefix(text, "-")
	switch {
	case err != nil || named && service == "":
		return admin.ScaleRequest{}, fmt.Errorf("cannot read %q as a number of workers: want SERVICE=8, SERVICE=+2, SERVICE=-1, SERVICE=auto or 8", arg)
	case change && n == 0:
		return admin.ScaleRequest{}, fmt.Errorf("%q changes nothing", arg)
	case change:
		return admin.ScaleRequest{Service: service, Delta: n}, nil
	}
	return admin.ScaleRequest{Service: service, Count: &n}, nil
}
