// Who watches: logs with a ceiling, and alerts. Each alert is a query in alerts/, and a chapter in docs/OPERATIONS.md.

param environmentName string
param location string
param tags object
param logGigabytesPerDay string
param alertEmail string
param alertsEnabled bool
param invocationsPerHour int

var alerts = [
  {
    name: 'failures'
    query: loadTextContent('../alerts/failures.kql')
    severity: 2
    window: 'PT15M'
    operator: 'GreaterThan'
    threshold: 5
  }
  {
    name: 'dead-letters'
    query: loadTextContent('../alerts/dead-letters.kql')
    severity: 1
    window: 'PT15M'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'webhook'
    query: loadTextContent('../alerts/webhook.kql')
    severity: 1
    window: 'PT15M'
    operator: 'GreaterThan'
    threshold: 20
  }
  {
    name: 'not-delivered'
    query: loadTextContent('../alerts/not-delivered.kql')
    severity: 1
    window: 'PT15M'
    operator: 'GreaterThan'
    threshold: 1
  }
  {
    name: 'queue-age'
    query: loadTextContent('../alerts/queue-age.kql')
    severity: 2
    window: 'PT15M'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'sweep-silent'
    query: loadTextContent('../alerts/sweep-silent.kql')
    severity: 1
    window: 'PT15M'
    operator: 'LessThan'
    threshold: 5
  }
  {
    name: 'invocations'
    query: loadTextContent('../alerts/invocations.kql')
    severity: 2
    window: 'PT1H'
    operator: 'GreaterThan'
    threshold: invocationsPerHour
  }
]

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' = {
  name: 'log-backline-${environmentName}'
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: 30
    workspaceCapping: {
      dailyQuotaGb: json(logGigabytesPerDay)
    }
    features: {
      disableLocalAuth: true
      enableLogAccessUsingOnlyResourcePermissions: true
    }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-backline-${environmentName}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    IngestionMode: 'LogAnalytics'
    DisableLocalAuth: true
  }
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-backline-${environmentName}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'backline'
    emailReceivers: [
      {
        name: 'operators'
        emailAddress: alertEmail
        useCommonAlertSchema: true
      }
    ]
  }
}

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for alert in alerts: {
  name: 'backline-${environmentName}-${alert.name}'
  location: location
  tags: tags
  properties: {
    displayName: 'Backline ${environmentName}: ${alert.name}'
    description: 'docs/OPERATIONS.md says what to do: ${alert.name}'
    enabled: alertsEnabled
    severity: alert.severity
    // The cheapest frequency but hourly ones.
    evaluationFrequency: 'PT15M'
    windowSize: alert.window
    scopes: [
      workspace.id
    ]
    criteria: {
      allOf: [
        {
          query: alert.query
          timeAggregation: 'Count'
          operator: alert.operator
          threshold: alert.threshold
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    autoMitigate: true
    actions: {
      actionGroups: [
        people.id
      ]
    }
  }
}]

output insightsName string = insights.name
