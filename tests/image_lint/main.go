// Reads a Dockerfile as BuildKit does, with its linter, and a compose file as Docker Compose does.
//
//	image-lint dockerfile PATH | compose PATH
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

func main() {
	if len(os.Args) != 3 {
		fail("image-lint dockerfile PATH | compose PATH")
	}
	what, path := os.Args[1], os.Args[2]
	var err error
	switch what {
	case "dockerfile":
		err = dockerfile(path)
	case "compose":
		err = compose(path)
	default:
		err = fmt.Errorf("unknown: %s", what)
	}
	if err != nil {
		fail(err.Error())
	}
}

func dockerfile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return err
	}
	found := 0
	lint := linter.New(&linter.Config{
		Warn: func(name, _, _, text string, at []parser.Range) {
			found++
			line := 0
			if len(at) > 0 {
				line = at[0].Start.Line
			}
			fmt.Fprintf(os.Stderr, "%s:%d: %s: %s\n", path, line, name, text)
		},
	})
	for _, warning := range parsed.Warnings {
		found++
		fmt.Fprintf(os.Stderr, "%s: %s\n", path, warning.Short)
	}
	if _, _, err = instructions.Parse(parsed.AST, lint); err != nil {
		return err
	}
	if found > 0 {
		return fmt.Errorf("%d warnings", found)
	}
	return nil
}

func compose(path string) error {
	options, err := cli.NewProjectOptions([]string{path}, cli.WithInterpolation(true), cli.WithProfiles([]string{"*"}))
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return err
	}
	for _, name := range project.ServiceNames() {
		fmt.Println(name)
	}
	return nil
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(1)
}
