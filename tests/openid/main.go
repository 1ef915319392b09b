// The OpenID provider that tests log in at: `make openid`. It is the certified provider of zitadel/oidc with the login
// form and the storage in memory that come with it; only users, clients and the claim `groups` are ours.
package main

import (
	"context"
	"encoding/json"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// Person is a user, and the groups that are told of them.
type Person struct {
	storage.User
	Groups []string
}

// Settings stand in the file that is the only argument.
type Settings struct {
	Address   string   // host:port to listen at; the issuer is http://host:port
	Redirects []string // addresses that the clients may be redirected to
	People    []*Person
}

// people finds users, as the storage wants it.
type people []*Person

func (all people) GetUserByID(id string) *storage.User {
	for _, one := range all {
		if one.ID == id {
			return &one.User
		}
	}
	return nil
}

func (all people) GetUserByUsername(name string) *storage.User {
	for _, one := range all {
		if one.Username == name {
			return &one.User
		}
	}
	return nil
}

func (all people) ExampleClientID() string { return storage.ServiceUserID }

// withGroups tells the groups of a user at the endpoint for claims.
type withGroups struct {
	*storage.Storage
	people people
}

func (s withGroups) SetUserinfoFromToken(
	ctx context.Context, info *oidc.UserInfo, token, subject, origin string,
) error {
	if err := s.Storage.SetUserinfoFromToken(ctx, info, token, subject, origin); err != nil {
		return err
	}
	for _, one := range s.people {
		if one.ID == subject && one.Groups != nil {
			info.AppendClaims("groups", one.Groups)
		}
	}
	return nil
}

func main() {
	content, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var settings Settings
	if err := json.Unmarshal(content, &settings); err != nil {
		log.Fatal(err)
	}
	storage.RegisterClients(
		storage.WebClient("with-secret", "a secret: with/100% of what is escaped", settings.Redirects...),
		storage.NativeClient("public", settings.Redirects...),
	)
	known := people(settings.People)
	kept := withGroups{storage.NewStorage(known), known}
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	server := &http.Server{
		Addr:              settings.Address,
		Handler:           exampleop.SetupServer("http://"+settings.Address, kept, logger, false),
		ReadHeaderTimeout: 10 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}
