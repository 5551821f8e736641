// A custom handler in Node: it answers, and keeps nothing.
require('node:http')
  .createServer((request, response) => {
    request.resume();
    request.on('end', () => response.end());
  })
  .listen(process.env.FUNCTIONS_CUSTOMHANDLER_PORT, '127.0.0.1');
