// Shows the contract of the suite that this page came from, and asks that suite when readers try
// an operation: whatever name it was reached by, no request leaves it.
fetch("openapi.json")
  .then((answer) => answer.json())
  .then((spec) => {
    spec.servers = [{ url: new URL(".", document.baseURI).href.replace(/\/$/, "") }];
    SwaggerUIBundle({
      spec,
      domNode: document.getElementById("page"),
      deepLinking: true,
      filter: true,
      docExpansion: "list",
      defaultModelsExpandDepth: 0,
      displayRequestDuration: true,
      persistAuthorization: false,
      validatorUrl: null,
    });
  })
  .catch((error) => {
    document.getElementById("page").textContent = `The contract cannot be shown: ${error}`;
  });
