// The peer in Go: grpc-gateway as its documentation starts it, for the accounts service.
//
//	peer gateway LISTEN ACCOUNTS   serves REST on LISTEN in front of the gRPC server ACCOUNTS
//	peer backend LISTEN ANSWER     serves GetAccount from the file ANSWER, a GetAccountResponse
//
// The backend costs next to nothing, so that what is in front of it shows its own speed.
package main

import (
	"context"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	accounts "peer/generated/vitascope/accounts/v1"
)

type constant struct {
	accounts.UnimplementedAccountsServiceServer
	answer *accounts.GetAccountResponse
}

func (c *constant) GetAccount(context.Context, *accounts.GetAccountRequest) (*accounts.GetAccountResponse, error) {
	return c.answer, nil
}

func serveGateway(listen, target string) error {
	mux := runtime.NewServeMux()
	options := []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	err := accounts.RegisterAccountsServiceHandlerFromEndpoint(context.Background(), mux, target, options)
	if err != nil {
		return err
	}
	return http.ListenAndServe(listen, mux)
}

func serveBackend(listen, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	answer := &accounts.GetAccountResponse{}
	if err := proto.Unmarshal(text, answer); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	accounts.RegisterAccountsServiceServer(server, &constant{answer: answer})
	return server.Serve(listener)
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: peer gateway|backend LISTEN ACCOUNTS|ANSWER")
	}
	serve := map[string]func(string, string) error{"gateway": serveGateway, "backend": serveBackend}[os.Args[1]]
	if serve == nil {
		log.Fatalf("there is no %q", os.Args[1])
	}
	log.Fatal(serve(os.Args[2], os.Args[3]))
}
