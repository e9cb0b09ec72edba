"use strict";

// Starts Swagger UI on the schema that the page names.

const page = document.getElementById("swagger-ui");

// A form's token, so that "Try it out" may write where somebody is signed in.
const csrfToken = () => (document.cookie.match(/(?:^|; )csrftoken=([^;]*)/) || [])[1] || "";

SwaggerUIBundle({
  url: page.dataset.schemaUrl,
  domNode: page,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  validatorUrl: null, // else it would send the schema to another host
  requestInterceptor: (request) => {
    if (!["GET", "HEAD", undefined].includes(request.method)) {
      request.headers["X-CSRFToken"] = csrfToken();
    }
    return request;
  },
});
