// Where everything is remembered: Cosmos DB for documents, a storage account for queues, the package, and what the host
// remembers. data.json says which containers and queues; a test compares it with the code.

param location string
param tags object
param appPrincipalId string
param operatorsGroupId string

var data = loadJsonContent('../data.json')
var database = 'backline'
var packageContainer = 'package'

// A role of Cosmos DB's own: reading and writing documents, no more
// (https://learn.microsoft.com/azure/cosmos-db/how-to-connect-role-based-access-control).
var dataContributor = '00000000-0000-0000-0000-000000000002'
var principals = [
  appPrincipalId
  operatorsGroupId
]

resource storage 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: 'st${uniqueString(resourceGroup().id)}'
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS'
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: storage
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: 7
    }
  }
}

resource package 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: blobs
  name: packageContainer
  properties: {
    publicAccess: 'None'
  }
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-01-01' = {
  parent: storage
  name: 'default'
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-01-01' = [for queue in data.queues: {
  parent: queueService
  name: queue
}]

resource cosmos 'Microsoft.DocumentDB/databaseAccounts@2025-04-15' = {
  name: 'cosmos-${uniqueString(resourceGroup().id)}'
  location: location
  tags: tags
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    capabilities: [
      {
        name: 'EnableServerless'
      }
    ]
    locations: [
      {
        locationName: location
        failoverPriority: 0
        isZoneRedundant: false
      }
    ]
    // An instance must see what another one has just written; the app refuses to start with less.
    consistencyPolicy: {
      defaultConsistencyLevel: 'Strong'
    }
    // Any moment of the last week can be brought back, without asking anybody.
    backupPolicy: {
      type: 'Continuous'
      continuousModeProperties: {
        tier: 'Continuous7Days'
      }
    }
    disableLocalAuth: true
    disableKeyBasedMetadataWriteAccess: true
    minimalTlsVersion: 'Tls12'
  }
}

resource databases 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2025-04-15' = {
  parent: cosmos
  name: database
  properties: {
    resource: {
      id: database
    }
  }
}

resource containers 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2025-04-15' = [for container in data.containers: {
  parent: databases
  name: container.name
  properties: {
    resource: {
      id: container.name
      partitionKey: {
        kind: 'Hash'
        version: 2
        paths: [
          container.partitionKey
        ]
      }
      defaultTtl: container.defaultTtl
      // What is queried; all else would only cost.
      indexingPolicy: {
        automatic: true
        indexingMode: 'consistent'
        includedPaths: [for path in container.indexed: {
          path: path
        }]
        excludedPaths: [
          {
            path: '/*'
          }
        ]
      }
    }
  }
}]

resource access 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2025-04-15' = [for principal in principals: {
  parent: cosmos
  name: guid(cosmos.id, principal, dataContributor)
  properties: {
    principalId: principal
    roleDefinitionId: '${cosmos.id}/sqlRoleDefinitions/${dataContributor}'
    scope: cosmos.id
  }
}]

output storageName string = storage.name
output packageUrl string = '${storage.properties.primaryEndpoints.blob}${package.name}'
output cosmosEndpoint string = cosmos.properties.documentEndpoint
output database string = databases.name
