window.ui = SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: true, // a token entered in "Authorize" survives a reload
  tryItOutEnabled: true,
  filter: true,
  validatorUrl: null,
});
