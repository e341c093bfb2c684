package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"parley/presence"
	"parley/voicemail"
	"parley/web"
)

// console is what a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
}

// passwordFile is where a password is read from: never from an argument, which
// others on the machine can see.
type passwordFile struct {
	PasswordFile string `help:"File with the password in its first line; - for standard input." required:"" placeholder:"FILE"`
}

func (p passwordFile) read(in io.Reader) (string, error) {
	if p.PasswordFile != "-" {
		file, err := os.Open(p.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("password file: %w", err)
		}
		defer file.Close()
		in = file
	}
	const enough = 4 << 10
	text, err := io.ReadAll(io.LimitReader(in, enough))
	if err != nil {
		return "", fmt.Errorf("password file: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}

type accountAdd struct {
	storage
	passwordFile
	Name  string `arg:"" help:"Name to sign in with."`
	Admin bool   `help:"Let the account administer this server."`
}

func (c *accountAdd) Run(ctx context.Context, std console) error {
	password, err := c.read(std.in)
	if err != nil {
		return err
	}
	return c.with(ctx, func(m *voicemail.Mailbox) error {
		others, err := m.Accounts(ctx)
		if err != nil {
			return err
		}
		first := len(others) == 0 // administers, as with the one-time link
		account, err := m.CreateAccount(ctx, c.Name, password, c.Admin || first)
		if err != nil {
			return err
		}
		fmt.Fprintf(std.out, "%s can sign in.\n", account.Name)
		return nil
	})
}

type accountList struct{ storage }

func (c *accountList) Run(ctx context.Context, std console) error {
	return c.withExisting(ctx, func(m *voicemail.Mailbox) error {
		accounts, err := m.Accounts(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "NAME\tADMIN\tSINCE\tID")
		for _, a := range accounts {
			admin := "no"
			if a.Admin {
				admin = "yes"
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", a.Name, admin, time.UnixMilli(a.CreatedAt).UTC().Format(time.DateOnly), a.ID)
		}
		return table.Flush()
	})
}

type accountResetPassword struct {
	storage
	passwordFile
	Name string `arg:"" help:"Name of the account."`
}

func (c *accountResetPassword) Run(ctx context.Context, std console) error {
	password, err := c.read(std.in)
	if err != nil {
		return err
	}
	return c.withExisting(ctx, func(m *voicemail.Mailbox) error {
		if err := m.SetPassword(ctx, c.Name, password); err != nil {
			return err
		}
		fmt.Fprintf(std.out, "%s has a new password and is signed out everywhere.\n", c.Name)
		return nil
	})
}

type inviteConfig struct {
	storage
	PublicURL string        `help:"Address at which people open Parley." default:"http://localhost:8080" placeholder:"URL"`
	From      string        `help:"Name of the member who invites, and becomes the first contact. Default: the first administrator." placeholder:"NAME"`
	TTL       time.Duration `name:"ttl" help:"How long the link is good." default:"168h"`
}

func (c *inviteConfig) Run(ctx context.Context, std console) error {
	public, err := publicURL(c.PublicURL)
	if err != nil {
		return err
	}
	if c.TTL < time.Minute || c.TTL > 365*24*time.Hour {
		return fmt.Errorf("--ttl: %s is not between a minute and a year", c.TTL)
	}
	return c.with(ctx, func(m *voicemail.Mailbox) error {
		token, err := m.FirstInvite(ctx)
		if err != nil {
			return err
		}
		if token == "" {
			inviter, err := c.inviter(ctx, m)
			if err != nil {
				return err
			}
			if token, _, err = m.Invite(ctx, inviter, c.TTL); err != nil {
				return err
			}
		}
		fmt.Fprintln(std.out, web.InviteURL(public, token))
		return nil
	})
}

func (c *inviteConfig) inviter(ctx context.Context, m *voicemail.Mailbox) (presence.AccountID, error) {
	accounts, err := m.Accounts(ctx)
	if err != nil {
		return "", err
	}
	for _, a := range accounts {
		if c.From != "" && strings.EqualFold(a.Name, c.From) || c.From == "" && a.Admin {
			return a.ID, nil
		}
	}
	if c.From != "" {
		return "", fmt.Errorf("there is no account %q", c.From)
	}
	return "", errors.New("there is no administrator; say who invites with --from NAME")
}

// with opens the mailbox for one command, also beside a running server, or makes
// it.
func (s storage) with(ctx context.Context, do func(*voicemail.Mailbox) error) error {
	config, err := s.config()
	if err != nil {
		return err
	}
	return withMailbox(ctx, config, do)
}

// withExisting is with for a command that makes no sense without accounts: it
// does not make a mailbox where there is none.
func (s storage) withExisting(ctx context.Context, do func(*voicemail.Mailbox) error) error {
	config, err := s.config()
	if err != nil {
		return err
	}
	config.MustExist = true
	return withMailbox(ctx, config, do)
}

func withMailbox(ctx context.Context, config voicemail.Config, do func(*voicemail.Mailbox) error) error {
	config.Log = quiet()
	mailbox, err := voicemail.Open(ctx, config)
	if err != nil {
		return err
	}
	return errors.Join(do(mailbox), mailbox.Close())
}
