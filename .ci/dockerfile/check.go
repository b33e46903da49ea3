// Package dockerfile checks the Dockerfile and .dockerignore where there is no engine
// that could build them. It is a module of its own, since BuildKit, whose rules `docker
// build --check` applies, would bring its libraries into the program's go.mod.
package dockerfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/opencontainers/go-digest"
)

// offline stands for the registries: each image has an empty configuration.
type offline struct{}

func (offline) ResolveImageConfig(_ context.Context, name string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return name, "", []byte(`{"os":"linux","architecture":"amd64"}`), nil
}

// check returns what BuildKit's rules and this project's find wrong in a Dockerfile.
func check(ctx context.Context, text []byte) ([]string, error) {
	source := llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", text)
	source.Definition = &llb.Definition{}
	results, err := dockerfile2llb.DockerfileLint(ctx, text, dockerfile2llb.ConvertOpt{MetaResolver: offline{}, SourceMap: source})
	switch {
	case err != nil:
		return nil, err
	case results.Error != nil:
		return nil, errors.New(results.Error.Message)
	}
	var findings []string
	for _, warning := range results.Warnings {
		findings = append(findings, warning.RuleName+": "+warning.Detail)
	}
	file, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	stages, _, err := instructions.Parse(file.AST, nil)
	if err != nil {
		return nil, err
	}
	return append(findings, checkStages(stages)...), nil
}

// exact is the name of an image of one version.
var exact = regexp.MustCompile(`:\d+\.\d+\.\d+(-[a-z0-9.]+)?$|@sha256:[0-9a-f]{64}$`)

// number is a user of the last stage, who has no name there, and isn't root.
var number = regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`)

// checkStages applies what this project asks of its image.
func checkStages(stages []instructions.Stage) (findings []string) {
	names := []string{"scratch"}
	for _, stage := range stages {
		if !slices.Contains(names, stage.BaseName) && !exact.MatchString(stage.BaseName) {
			findings = append(findings, "image "+stage.BaseName+" has no exact version")
		}
		names = append(names, stage.Name)
	}
	user, isWatched := "", false
	for _, command := range stages[len(stages)-1].Commands {
		switch command := command.(type) {
		case *instructions.UserCommand:
			user = command.User
		case *instructions.HealthCheckCommand:
			isWatched = len(command.Health.Test) > 0 && command.Health.Test[0] == "CMD"
		}
	}
	if !number.MatchString(user) {
		findings = append(findings, fmt.Sprintf("the last USER is %q, not the numbers of one who isn't root", user))
	}
	if !isWatched {
		findings = append(findings, "no HEALTHCHECK by a command without a shell")
	}
	return findings
}
