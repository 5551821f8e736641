// Where a console that is open is told of changes: serverless SignalR, free of charge for twenty connections.

param location string
param tags object

resource signalr 'Microsoft.SignalRService/signalR@2024-03-01' = {
  name: 'signalr-${uniqueString(resourceGroup().id)}'
  location: location
  tags: tags
  kind: 'SignalR'
  sku: {
    name: 'Free_F1'
    tier: 'Free'
    capacity: 1
  }
  properties: {
    disableLocalAuth: true
    features: [
      {
        flag: 'ServiceMode'
        value: 'Serverless'
      }
    ]
  }
}

output endpoint string = 'https://${signalr.properties.hostName}'
