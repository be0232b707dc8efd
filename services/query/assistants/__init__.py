"""What assistants and other language models use: the MCP server at ``/mcp``, and ``/llms.txt``.

Only ``app`` imports it. The MCP SDK is imported at the first request to ``/mcp``
(``mcp_endpoint``): a service without such requests has neither its memory nor its start. Central
classes: ``mcp_endpoint.McpEndpoint``, ``tools.Tools``.
"""
